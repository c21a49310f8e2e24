"""The dashboard's server: `streamlit run dashboard/app.py`. The pages are in pages.py; here is what keeps them safe."""

import sys
from pathlib import Path

import streamlit as st

# Streamlit puts this folder on the path, not the one above it, which holds the package.
sys.path.insert(0, str(Path(__file__).parent.parent))

from dashboard.guard import guards

app = st.App(Path(__file__).with_name("pages.py"), middleware=guards())
