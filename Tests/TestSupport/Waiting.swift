import Foundation
public import Testing

/// Tests that mostly wait for other processes. They run on threads of their own, a few at a time, so that neither the other
/// tests nor each other has to wait for them. A test that waits for its turn has begun all the same: a time limit of its own would
/// count that, and fail it on a machine that is slow enough. What can hang has a limit of its own instead (`Child.patience_ms`).
public struct Waiting: SuiteTrait, TestTrait, TestScoping {
    /// As many as one processor carries: what is waited for has 2 s to answer.
    private static let atATime = 8

    public let isRecursive = true

    public func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
    ) async throws {
        try await withTaskExecutorPreference(Executor.shared, operation: function)
    }

    private final class Executor: TaskExecutor {
        public static let shared = Executor()
        private let threads = OperationQueue()

        public init() { threads.maxConcurrentOperationCount = Waiting.atATime }

        public func enqueue(_ job: consuming ExecutorJob) {
            let job = UnownedJob(job)
            // SAFETY: the executor is a constant of the process, and a job runs once.
            threads.addOperation { unsafe job.runSynchronously(on: self.asUnownedTaskExecutor()) }
        }
    }
}

extension Trait where Self == Waiting {
    public static var waiting: Waiting { Waiting() }
}
