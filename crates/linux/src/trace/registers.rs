//! The registers of a thread, and the instructions that make a system call and put everything back.
//!
//! Written for x86-64 only; elsewhere [`super::obstacle`] stands in the way of whatever would come here.

/// Those for whole numbers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Registers(pub(super) libc::user_regs_struct);

#[cfg(target_arch = "x86_64")]
pub(super) use x86_64::*;

#[cfg(not(target_arch = "x86_64"))]
pub(super) use elsewhere::*;

#[cfg(not(target_arch = "x86_64"))]
mod elsewhere {
    use super::Registers;

    impl Registers {
        pub(in super::super) fn program_counter(&self) -> u64 {
            0
        }

        pub(in super::super) fn answer(&self) -> i64 {
            0
        }

        pub(in super::super) fn calls_again(&self) -> bool {
            false
        }

        pub(in super::super) fn calling_again(&self) -> Self {
            *self
        }

        pub(in super::super) fn calling(&self, _code: u64, _number: i64, _arguments: [u64; 6]) -> Self {
            *self
        }
    }

    pub(in super::super) fn call_and_put_back(_after: &Registers, _mask: u64) -> Vec<u8> {
        Vec::new()
    }
}

#[cfg(target_arch = "x86_64")]
mod x86_64 {
    use super::Registers;

    /// What the kernel answers inside itself when a system call is to be made again.
    const AGAIN: [i64; 3] = [-512, -513, -514];
    /// The same for one that goes on with the rest of its time.
    const AGAIN_FOR_THE_REST: i64 = -516;
    /// The length of the instruction `syscall`.
    const CALL: u64 = 2;

    impl Registers {
        /// Where it goes on.
        pub(in super::super) fn program_counter(&self) -> u64 {
            self.0.rip
        }

        /// What a system call answered.
        #[expect(clippy::cast_possible_wrap, reason = "an answer is signed")]
        pub(in super::super) fn answer(&self) -> i64 {
            self.0.rax as i64
        }

        /// Whether that says that a signal came first and the call will be made again.
        pub(in super::super) fn calls_again(&self) -> bool {
            let answer = self.answer();
            AGAIN.contains(&answer) || answer == AGAIN_FOR_THE_REST
        }

        /// The same, so that a system call that was interrupted is made again from the start: what the kernel does by itself
        /// for a thread that still stands where it was interrupted.
        pub(in super::super) fn calling_again(&self) -> Self {
            let mut registers = *self;
            #[expect(clippy::cast_possible_wrap, reason = "-1 outside system calls")]
            let in_a_call = self.0.orig_rax as i64 >= 0;
            if in_a_call && self.calls_again() {
                let rest = libc::SYS_restart_syscall.unsigned_abs();
                registers.0.rax = if self.answer() == AGAIN_FOR_THE_REST { rest } else { self.0.orig_rax };
                registers.0.rip -= CALL;
            }
            registers.0.orig_rax = u64::MAX;
            registers
        }

        /// The same, about to make a system call with the instructions at `code`.
        pub(in super::super) fn calling(&self, code: u64, number: i64, arguments: [u64; 6]) -> Self {
            let mut registers = *self;
            let raw = &mut registers.0;
            raw.rax = number.unsigned_abs();
            [raw.rdi, raw.rsi, raw.rdx, raw.r10, raw.r8, raw.r9] = arguments;
            raw.rip = code;
            raw.orig_rax = u64::MAX;
            registers
        }
    }

    /// Instructions that make a system call, take back the signal mask that is at `mask`, and go on as `after` says. They
    /// use no stack and change no flag.
    pub(in super::super) fn call_and_put_back(after: &Registers, mask: u64) -> Vec<u8> {
        let mut code = vec![0x0f, 0x05]; // syscall
        let raw = &after.0;
        let number = libc::SYS_rt_sigprocmask.unsigned_abs();
        let take_back = [(RAX, number), (RDI, 2), (RSI, mask), (RDX, 0), (R10, 8)];
        let put_back = [
            (RAX, raw.rax),
            (RCX, raw.rcx),
            (RDX, raw.rdx),
            (RSI, raw.rsi),
            (RDI, raw.rdi),
            (R8, raw.r8),
            (R9, raw.r9),
            (R10, raw.r10),
            (R11, raw.r11),
        ];
        take_back.into_iter().for_each(|pair| set(&mut code, pair));
        code.extend([0x0f, 0x05]);
        put_back.into_iter().for_each(|pair| set(&mut code, pair));
        code.extend([0xff, 0x25, 0, 0, 0, 0]); // jmp *(%rip)
        code.extend(raw.rip.to_le_bytes());
        code
    }

    /// The first two bytes of `movabs $number, register`.
    type Register = [u8; 2];
    const RAX: Register = [0x48, 0xb8];
    const RCX: Register = [0x48, 0xb9];
    const RDX: Register = [0x48, 0xba];
    const RSI: Register = [0x48, 0xbe];
    const RDI: Register = [0x48, 0xbf];
    const R8: Register = [0x49, 0xb8];
    const R9: Register = [0x49, 0xb9];
    const R10: Register = [0x49, 0xba];
    const R11: Register = [0x49, 0xbb];

    fn set(code: &mut Vec<u8>, (register, number): (Register, u64)) {
        code.extend(register);
        code.extend(number.to_le_bytes());
    }
}
