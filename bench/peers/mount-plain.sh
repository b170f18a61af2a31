#!/bin/sh
# What one types: mount the share, leaving the version to mount.nfs unless OPTIONS name it, then COMMAND.
#   SOURCE, TARGET: what to mount and where

mount -t nfs ${OPTIONS:+-o "$OPTIONS"} "$SOURCE" "$TARGET" || exit

exec "$@"
