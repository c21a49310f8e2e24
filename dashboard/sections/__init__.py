"""The sections of each page, of what is read: no Streamlit here, so that the site has the same."""
