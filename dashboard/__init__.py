"""The Streamlit dashboard: one file per page. It reads tables and the report, and computes nothing."""
