"""Words and pictures: facts and notices into ready messages. Pure."""
