"""The sections of each page, made from what was read. No Streamlit here, so that the static site can use them too."""
