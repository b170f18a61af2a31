#!/bin/bash
# COMMAND of a measurement: reads the first line of a file again and again, and writes the time and the line to a log whenever it has changed.
#   reader.sh FILE LOG

exec 2>/dev/null
while :; do
  if read -r text <"$1" && [ "$text" != "${last-}" ]; then
    echo "$EPOCHREALTIME $text" >>"$2"
    last=$text
  fi
  # Without a fork: nobody ever writes to this pipe.
  read -r -t 0.02 _ <>/lab/state/never
done
