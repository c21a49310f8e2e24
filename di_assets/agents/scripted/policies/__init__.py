"""Scripted agents: the embedded default, the calibration instruments and the null models. One file is one `POLICY`."""
