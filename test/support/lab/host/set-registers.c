// set-registers LENGTH: hands a stopped child LENGTH bytes of register state (0: all of it) by ptrace(2), and prints what it then has.
// Built without headers and start files, since the compiler comes without them.

typedef unsigned long size;
struct iovec {
  void *base;
  size length;
};
long ptrace(int request, ...);
int fork(void), raise(int signal), kill(int pid, int signal), waitpid(int pid, int *status, int options);
int printf(const char *format, ...), atoi(const char *text);
void exit(int code);
void *memset(void *at, int byte, size length);
int *__errno_location(void);
#define errno (*__errno_location())

enum { TRACEME = 0, PEEKDATA = 2, GETREGSET = 0x4204, SETREGSET = 0x4205, SIGKILL = 9, SIGSTOP = 19 };
static void *const NT_X86_XSTATE = (void *)0x202;

// Where the processor keeps what in this state (Intel's manual, volume 1, section 13.4).
enum { XMM0 = 160, PARTS = 512, YMM0_HIGH = 576, X87_SSE_AVX = 7, BYTES = 16 };

static unsigned char state[1 << 16];
static long minus_one = -1;

static size get(int child) {
  memset(state, 0, sizeof state);
  struct iovec all = {state, sizeof state};
  return ptrace(GETREGSET, child, NT_X86_XSTATE, &all) == 0 ? all.length : 0;
}

static int set(int child, size length) {
  struct iovec some = {state, length};
  return ptrace(SETREGSET, child, NT_X86_XSTATE, &some) == 0 ? 0 : errno;
}

static void show(const char *name, int at) {
  printf("%s ", name);
  for (int i = 0; i < BYTES; i++) printf("%02x", state[at + i]);
  printf("\n");
}

void run(long *stack) {
  long count = stack[0];
  char **words = (char **)(stack + 1);
  int child = fork();
  if (child == 0) {
    ptrace(TRACEME, 0, 0, 0);
    raise(SIGSTOP);
  }
  waitpid(child, 0, 0);

  size whole = get(child);
  printf("whole %d\n", (int)whole);
  state[PARTS] |= whole >= YMM0_HIGH + BYTES ? X87_SSE_AVX : 3;
  memset(state + XMM0, 0x11, BYTES);
  memset(state + YMM0_HIGH, 0x22, BYTES);
  printf("first %d\n", set(child, whole));

  memset(state + XMM0, 0x33, BYTES);
  int length = count > 1 ? atoi(words[1]) : 0;
  printf("second %d\n", set(child, length ? (size)length : whole));
  get(child);
  show("xmm0", XMM0);
  show("ymm0-high", YMM0_HIGH);

  // A word of -1 is no failure.
  errno = 1;
  long word = ptrace(PEEKDATA, child, &minus_one, 0);
  printf("peek %d\nerrno %d\n", (int)word, errno);
  kill(child, SIGKILL);
  exit(0);
}

__asm__(".globl _start\n_start:\n  mov %rsp, %rdi\n  and $-16, %rsp\n  call run\n");
