"""The container images as users run them: real engines, real archives, no mocks."""
