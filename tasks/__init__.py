"""The stages: collect, evaluate, report, deliver. They read rows, call pure code and write rows."""
