//! Traps while the host hands over its input: an allocator that gives up on anything larger than a kilobyte.

use std::alloc::{GlobalAlloc, Layout, System};

use contract::{Analysis, Error, InputFile};

contract::analyzer!(analyze);

fn analyze(_files: Vec<InputFile>) -> Result<Analysis, Error> {
    Ok(contract::nothing())
}

struct Trap;

// SAFETY: what is not refused is passed on unchanged.
unsafe impl GlobalAlloc for Trap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if layout.size() > 1024 {
            trap();
        }
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(at, layout) }
    }
}

fn trap() -> ! {
    #[cfg(target_arch = "wasm32")]
    core::arch::wasm32::unreachable();
    #[cfg(not(target_arch = "wasm32"))]
    std::process::abort()
}

#[global_allocator]
static ALLOCATOR: Trap = Trap;
