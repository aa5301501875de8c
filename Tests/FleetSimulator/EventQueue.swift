/// What happens next, in the order of time and, within a moment, of planning.
struct EventQueue {
    private struct Entry {
        let time_ns: UInt64
        let number: UInt64
        let event: Event
    }

    private var heap: [Entry] = []
    private var number: UInt64 = 0

    mutating func plan(_ event: Event, at time_ns: UInt64) {
        number += 1
        heap.append(Entry(time_ns: time_ns, number: number, event: event))
        var place = heap.count - 1
        while place > 0, isBefore(place, (place - 1) / 2) {
            heap.swapAt(place, (place - 1) / 2)
            place = (place - 1) / 2
        }
    }

    mutating func next() -> (time_ns: UInt64, event: Event)? {
        guard let first = heap.first else { return nil }
        let last = heap.removeLast()
        if !heap.isEmpty {
            heap[0] = last
            var place = 0
            while true {
                var least = place
                for child in (2 * place + 1)..<(2 * place + 3) where child < heap.count && isBefore(child, least) {
                    least = child
                }
                if least == place { break }
                heap.swapAt(place, least)
                place = least
            }
        }
        return (first.time_ns, first.event)
    }

    private func isBefore(_ one: Int, _ other: Int) -> Bool {
        (heap[one].time_ns, heap[one].number) < (heap[other].time_ns, heap[other].number)
    }
}
