"""Writers: a Plan becomes files in --out, each complete or not there at all."""
