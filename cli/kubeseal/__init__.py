"""`sealbridge kubeseal`: kubeseal's command line, so that an alias is all that scripts need."""
