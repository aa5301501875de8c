/// Changes that others make, at a pace that holds: the first is let through at once, and of those that follow too soon the last one, when its
/// time has come.
public struct Calm<Value: Equatable> {
    /// Between two that are let through.
    let pause_ns: UInt64
    /// What was let through last; nil before anything was.
    private(set) var current: Value?
    private var notBefore_ns: UInt64 = 0
    private var held: Value?
    /// Changes that nobody will hear of, since they began to come too fast.
    public private(set) var passedOver: UInt64 = 0

    public init(pause_ns: UInt64) { self.pause_ns = pause_ns }

    /// When `next` has something, on CLOCK_MONOTONIC.
    public var due_ns: UInt64 { held == nil ? .max : notBefore_ns }

    /// Takes the value as it is now.
    public mutating func offer(_ value: Value) {
        let isNew = value != (held ?? current)
        if isNew, held != nil { passedOver += 1 }
        held = value == current ? nil : value
    }

    /// What is let through now.
    public mutating func next(_ now_ns: UInt64) -> Value? {
        guard let value = held, now_ns >= notBefore_ns else { return nil }
        // The beginning is no change.
        if current != nil { notBefore_ns = now_ns + pause_ns }
        (current, held) = (value, nil)
        return value
    }

    /// They come slowly again.
    public mutating func forget() { passedOver = 0 }
}
