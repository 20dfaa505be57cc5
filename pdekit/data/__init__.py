"""Data sets: recipe -> file, read back safely, checked, shown; and other people's files in `formats`."""
