"""`python -m di_assets.cli` is `di`."""

from di_assets.cli.verbs import main

if __name__ == "__main__":
    main()
