"""The Streamlit dashboard: one file a page; reads tables and the report, computes nothing."""
