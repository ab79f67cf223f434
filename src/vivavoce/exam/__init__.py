"""Exams: how good, how fast and how dear an audio model is, judged as a client of any base URL: `viva exam`."""
