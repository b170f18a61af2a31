# Types a command line into an interactive zsh of an unpacked package, asks for the choices, and prints what comes until it holds the word that is expected.
root=$1 completions=$2 line=$3 expected=$4
module_path=($root/usr/lib/*-linux-gnu/zsh/*(/N))
fpath=($completions $root/usr/share/zsh/functions/**/*(/N))
zmodload zsh/zpty
zpty shell "$root/bin/zsh -f -i"
zpty -w shell "module_path=($module_path); fpath=($fpath); PS1=; stty -echo rows 100 cols 200; autoload -Uz compinit; compinit -u -D; bindkey '^X' list-choices; echo RE\"\"ADY"
zpty -r shell said '*READY*'
zpty -w -n shell $line$'\x18'
zpty -r shell said "*$expected*"
print -r -- $said
