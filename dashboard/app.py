"""The dashboard's server: `streamlit run dashboard/app.py`.

pages.py has the pages; this file adds their guards and their style.
"""

import sys
from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware

# Streamlit puts this folder on the path, but not its parent, which holds the package.
sys.path.insert(0, str(Path(__file__).parent.parent))

from dashboard.guard import guards
from dashboard.shell import Shell

app = st.App(Path(__file__).with_name("pages.py"), middleware=[*guards(), Middleware(Shell)])
