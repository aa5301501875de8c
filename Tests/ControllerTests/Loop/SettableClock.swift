import Foundation
import TestSupport
import Testing

/// Another CLOCK_REALTIME for programs that are started with `environment`.
struct SettableClock {
    /// Moves CLOCK_REALTIME by what a file says, for one program.
    private static let shim = """
        #define _GNU_SOURCE
        #include <dlfcn.h>
        #include <stdio.h>
        #include <stdlib.h>
        #include <time.h>
        int clock_gettime(clockid_t clock, struct timespec *time) {
            static int (*real)(clockid_t, struct timespec *);
            if (!real) *(void **)&real = dlsym(RTLD_NEXT, "clock_gettime");
            int result = real(clock, time);
            FILE *file = clock == CLOCK_REALTIME ? fopen(getenv("CLOCK_OFFSET"), "r") : NULL;
            long offset = 0;
            if (file && fscanf(file, "%ld", &offset) == 1) time->tv_sec += offset;
            if (file) fclose(file);
            return result;
        }
        """

    private let directory: TemporaryDirectory

    init() throws {
        directory = try TemporaryDirectory()
        let source = "\(directory.path)/shim.c"
        try Self.shim.write(toFile: source, atomically: true, encoding: .utf8)
        let compiler = try Child(
            "/usr/bin/cc", ["-shared", "-fPIC", "-o", "\(directory.path)/shim.so", source, "-ldl"],
            environment: ["PATH": "/usr/bin:/bin"], reading: .errors)
        #expect(try compiler.exitStatus() == 0)
        try set(0)
    }

    var environment: [String: String] {
        ["CLOCK_OFFSET": "\(directory.path)/offset", "LD_PRELOAD": "\(directory.path)/shim.so"]
    }

    /// - Parameter seconds: ahead of the machine's own.
    func set(_ seconds: Int) throws {
        try "\(seconds)".write(toFile: "\(directory.path)/offset", atomically: true, encoding: .utf8)
    }
}
