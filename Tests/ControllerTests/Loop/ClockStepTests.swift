import Foundation
import TestSupport
import Testing

@testable import Policy

@Suite(.waiting)
struct ClockStepTests {
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

    @Test("when the clock is set, a source that goes by it moves the limits at once, and not at the next decision's time")
    func stepped() throws {
        let directory = try TemporaryDirectory()
        let (source, library) = ("\(directory.path)/shim.c", "\(directory.path)/shim.so")
        try Self.shim.write(toFile: source, atomically: true, encoding: .utf8)
        let compiler = try Child(
            "/usr/bin/cc", ["-shared", "-fPIC", "-o", library, source, "-ldl"], environment: ["PATH": "/usr/bin:/bin"],
            reading: .errors)
        #expect(try compiler.exitStatus() == 0)
        /// Makes it so many hours of this day, in UTC.
        func set(_ hour: Int) throws {
            let second = Int(Date.now.timeIntervalSince1970) % 86_400
            try "\(hour * 3_600 - second)".write(toFile: "\(directory.path)/offset", atomically: true, encoding: .utf8)
        }
        try set(12)
        let mock = try Mock([ScriptedPackage(floor: 10)])
        let controller = try RunningController(
            mock.socket,
            [
                "SOURCE": "solar", "TIMEZONE": "UTC", "STABILISATION_TIME": "1h", "CLOCK_OFFSET": "\(directory.path)/offset",
                "LD_PRELOAD": library,
            ])
        #expect(try mock.nextApply().limits["intel-rapl:0/long_term"].map { $0 > .watts(99) } == true)
        try set(0)
        #expect(try mock.nextApply().limits["intel-rapl:0/long_term"] == .watts(10))
        try controller.next("the clock was set, or the node was asleep: deciding anew")
        #expect(try controller.stop() == 0)
    }
}
