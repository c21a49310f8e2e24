"""The dashboard's server: `streamlit run dashboard/app.py`.

The pages are in pages.py; here is what keeps them safe and dressed.
"""

import sys
from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware

# Streamlit puts this folder on the path, not the one above it, which holds the package.
sys.path.insert(0, str(Path(__file__).parent.parent))

from dashboard.guard import guards
from dashboard.shell import Shell

app = st.App(Path(__file__).with_name("pages.py"), middleware=[*guards(), Middleware(Shell)])
