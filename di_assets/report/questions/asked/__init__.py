"""The questions: every file or folder here declares one `QUESTION`."""
