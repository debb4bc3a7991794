"""PV shims: recognise them, take them out of packages, keep a catalogue of them."""
