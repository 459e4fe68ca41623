package password

import "syscall"

// canYield tells whether threads can be given a lower priority than the others of the process.
const canYield = true

// yield gives the calling thread the lowest priority. Where the system does not let it, hashing competes
// with everything else, which is slower and not wrong.
func yield() { _ = syscall.Setpriority(syscall.PRIO_PROCESS, syscall.Gettid(), 19) }
