"""Dialects: how a family of servers is spoken to. One file is one `DIALECT`."""
