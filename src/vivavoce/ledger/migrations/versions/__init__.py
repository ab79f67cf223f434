"""The steps. A step that has been released is never edited; each may be run again after a crash in its middle."""
