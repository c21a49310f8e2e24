"""The scripted agents: the default agent, calibration instruments and null models. Each file declares one `POLICY`."""
