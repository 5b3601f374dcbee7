//! What is put into a process so that it is told another time: instructions that do not care where they stand, with what
//! they need to know.
//!
//! They ask the kernel, which the vDSO would not do, and change its answer. Of the registers, they change those that any
//! function may. They are for x86-64; other architectures need their own, and are refused before they come here.

use steadfast_model::{
    InjectionId,
    skew::{ClockFamily, Skew},
};

/// Clocks 0 to 11 of clock_gettime(2): those of a family, one bit each.
const fn clocks(family: ClockFamily) -> u64 {
    match family {
        // REALTIME, REALTIME_COARSE, REALTIME_ALARM, TAI
        ClockFamily::Realtime => 1 << 0 | 1 << 5 | 1 << 8 | 1 << 11,
        // MONOTONIC, MONOTONIC_RAW, MONOTONIC_COARSE, BOOTTIME, BOOTTIME_ALARM
        ClockFamily::Monotonic => 1 << 1 | 1 << 4 | 1 << 6 | 1 << 7 | 1 << 9,
    }
}

/// The numbers of the clocks of a skew.
pub(super) fn clocks_of(skew: &Skew) -> impl Iterator<Item = i32> {
    let mask = skew.clocks.iter().fold(0, |mask, family| mask | clocks(*family));
    (0..12).filter(move |clock| mask >> clock & 1 == 1)
}

/// Opens the block, and closes it.
pub(super) const MARK: &[u8; 8] = b"STDFSKEW";
/// Where in the block it is said whose it is: the mark before and the 16 bytes of the injection.
pub(super) const HEAD: usize = 24;
const COUNTER: usize = 24;
/// Which clocks, how far, how fast: what makes them wrong.
pub(super) const WRONG: std::ops::Range<usize> = 32..56;
const BASES: usize = 56;
const ENTRIES: usize = 152;

#[cfg(target_arch = "x86_64")]
std::arch::global_asm!(
    r#"
    .pushsection .rodata.steadfast_skew,"a",@progbits
    .globl steadfast_skew_begin, steadfast_skew_end
    .hidden steadfast_skew_begin, steadfast_skew_end
    .p2align 4
steadfast_skew_begin:
    .ascii "STDFSKEW"
    .zero 16                            // the injection
.Lskew_counter: .quad 0                 // the address of the count
.Lskew_clocks:  .quad 0                 // one bit a clock
.Lskew_offset:  .quad 0                 // in nanoseconds
.Lskew_rate:    .quad 0                 // in parts of 2^32
.Lskew_bases:   .zero 96                // for every clock: when it began, in nanoseconds
    .quad .Lskew_clock_gettime - steadfast_skew_begin
    .quad .Lskew_gettimeofday - steadfast_skew_begin
    .quad .Lskew_time - steadfast_skew_begin

.Lskew_clock_gettime:                   // edi: clock, rsi: struct timespec
    movl $228, %eax                     // SYS_clock_gettime
    syscall
    testl %eax, %eax
    jnz 9f
    cmpl $11, %edi
    ja 9f
    movl .Lskew_clocks(%rip), %ecx
    btl %edi, %ecx
    jnc 9f
    imulq $1000000000, (%rsi), %rax
    addq 8(%rsi), %rax
    movq %rax, %r8                      // the time
    movl %edi, %ecx
    leaq .Lskew_bases(%rip), %rdx
    subq (%rdx,%rcx,8), %rax            // how long it has been wrong
    imulq .Lskew_rate(%rip)
    shrdq $32, %rdx, %rax
    addq %r8, %rax
    addq .Lskew_offset(%rip), %rax
    xorl %edx, %edx
    movl $1000000000, %ecx
    divq %rcx
    movq %rax, (%rsi)
    movq %rdx, 8(%rsi)
    movq .Lskew_counter(%rip), %rcx
    lock incq (%rcx)
    xorl %eax, %eax
9:  retq

.Lskew_gettimeofday:                    // rdi: struct timeval or null, rsi: struct timezone or null
    movl $96, %eax                      // SYS_gettimeofday: fills in the zone, and finds bad addresses
    syscall
    testl %eax, %eax
    jnz 9f
    testq %rdi, %rdi
    jz 9f
    movq %rdi, %r10
    movq %rdi, %rsi
    xorl %edi, %edi                     // CLOCK_REALTIME
    call .Lskew_clock_gettime
    movq 8(%r10), %rax                  // nanoseconds to microseconds
    xorl %edx, %edx
    movl $1000, %ecx
    divq %rcx
    movq %rax, 8(%r10)
    xorl %eax, %eax
9:  retq

.Lskew_time:                            // rdi: time_t or null
    movq %rdi, %r10
    subq $24, %rsp
    movq %rsp, %rsi
    xorl %edi, %edi                     // CLOCK_REALTIME
    call .Lskew_clock_gettime
    movq (%rsp), %rax
    addq $24, %rsp
    testq %r10, %r10
    jz 9f
    movq %rax, (%r10)
9:  retq
    .p2align 3, 0xcc
    .ascii "STDFSKEW"
steadfast_skew_end:
    .popsection
    "#,
    options(att_syntax)
);

#[cfg(target_arch = "x86_64")]
unsafe extern "C" {
    static steadfast_skew_begin: u8;
    static steadfast_skew_end: u8;
}

/// The block as it is assembled, with nothing filled in.
#[cfg(target_arch = "x86_64")]
pub(super) fn blank() -> &'static [u8] {
    let (begin, end) = (&raw const steadfast_skew_begin, &raw const steadfast_skew_end);
    // SAFETY: both stand in the same section above, in this order; what is between them is never written.
    unsafe { std::slice::from_raw_parts(begin, end.byte_offset_from_unsigned(begin)) }
}

/// One with no instructions in it.
#[cfg(not(target_arch = "x86_64"))]
pub(super) fn blank() -> &'static [u8] {
    &[0; ENTRIES + 24]
}

/// Functions of the vDSO, and how far into the block the instructions for each are.
pub(super) fn entries() -> [(&'static str, u64); 3] {
    let at = |position: usize| word(blank(), ENTRIES + 8 * position);
    [("__vdso_clock_gettime", at(0)), ("__vdso_gettimeofday", at(1)), ("__vdso_time", at(2))]
}

/// The block, filled in. `bases` says what every clock shows now, in nanoseconds.
pub(super) fn filled(skew: &Skew, injection: InjectionId, counter: u64, bases: &[(i32, i64)]) -> Vec<u8> {
    let mut block = blank().to_vec();
    let mut put = |at: usize, bytes: &[u8]| block[at..at + bytes.len()].copy_from_slice(bytes);
    put(MARK.len(), injection.0.as_bytes());
    put(COUNTER, &counter.to_le_bytes());
    let mask = clocks_of(skew).fold(0_u64, |mask, clock| mask | 1 << clock);
    let wrong = [mask.to_le_bytes(), skew.offset.nanos().to_le_bytes(), rate(skew.drift_ppm).to_le_bytes()];
    put(WRONG.start, &wrong.concat());
    for (clock, base) in bases {
        put(BASES + 8 * usize::try_from(*clock).expect("clocks are counted from 0"), &base.to_le_bytes());
    }
    block
}

/// The opening of a block of that injection.
pub(super) fn head(injection: InjectionId) -> [u8; HEAD] {
    let mut head = [0; HEAD];
    head[..MARK.len()].copy_from_slice(MARK);
    head[MARK.len()..].copy_from_slice(injection.0.as_bytes());
    head
}

/// Millionths in parts of 2^32.
#[expect(clippy::cast_possible_truncation, reason = "far below 2^63")]
fn rate(ppm: f64) -> i64 {
    (ppm * 4_294.967_296).round() as i64
}

fn word(block: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(block[at..at + 8].try_into().expect("these are eight bytes"))
}
