/// Where values and their times stand in a JSON document.
public struct DocumentShape: Equatable, Sendable {
    /// Of the values. What its wildcards match tells which time a value is of.
    public var value: SignalPath
    /// Where a value's own time is; nil where it has none, and none is counted from `start` either: it is of now.
    public var time: Time?
    /// Of the first value's time: a value that has no time of its own is as many steps later as its element's number says.
    public var start: SignalPath?
    /// How long a value is: the first of these that is there. A value that is counted is by the first that is the same for all.
    public var steps: [Step]

    /// What says when a value is.
    public enum Time: Equatable, Sendable {
        /// Joined to the values by what the wildcards of both stand for.
        case path(SignalPath)
        /// The name of the member that the value path's last wildcard stands for.
        case key
    }

    /// What says how long a value is.
    public enum Step: Equatable, Sendable {
        case duration(SignalDuration)
        /// Joined to the values where it has wildcards; the same for all where it has none.
        case path(SignalPath)
    }

    public init(value: SignalPath, time: Time? = nil, start: SignalPath? = nil, steps: [Step] = []) {
        (self.value, self.time, self.start, self.steps) = (value, time, start, steps)
    }
}
