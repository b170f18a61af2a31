# Prints how many bytes of register state the host's ptrace(2) gives and takes of a process: asked of a stopped child.
# In Perl, because every Debian and Ubuntu has it, and neither Node nor the shell can make a system call.
use strict;
use warnings;

my ($SYS_PTRACE, $TRACEME, $GETREGSET, $NT_X86_XSTATE) = (101, 0, 0x4204, 0x202);

my $child = fork // die "fork: $!\n";
if ($child == 0) {
    syscall($SYS_PTRACE, $TRACEME, 0, 0, 0) == 0 or exit 1;
    kill STOP => $$;
    exit;
}
waitpid $child, 0;
my $room = "\0" x (1 << 20);
my $iovec = pack 'PQ', $room, length $room;
my $answer = syscall $SYS_PTRACE, $GETREGSET, $child, $NT_X86_XSTATE, $iovec;
my $reason = $!;
kill KILL => $child;
$answer == 0 or die "ptrace: $reason\n";
my (undef, $bytes) = unpack 'QQ', $iovec;
print "$bytes\n";
