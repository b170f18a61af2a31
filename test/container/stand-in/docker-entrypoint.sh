#!/bin/sh
# Starts what it is told to, nginx with the configuration that its image has.
if [ "$1" = nginx ]; then set -- "$@" -c /nginx.conf; fi
exec "$@"
