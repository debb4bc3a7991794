"""Guest configs of xl: syntax as Xen's own libxlu reads it, edits, and what they mean."""
