/// The K largest of many powers, and their sum, while they change: two heaps, of which the one has the K largest with the least of them on
/// top, and the other the rest with the largest on top. A change takes O(log n), the sum nothing.
struct Contingency: Sendable {
    private var values: [UInt64]
    /// Where each is: in `inside` at the place, or in `outside` at the complement of the place.
    private var places: [Int]
    private var inside: [Int] = []
    private var outside: [Int] = []
    /// Of the K largest.
    private(set) var sum: UInt64 = 0

    /// - Parameter count: K; at most as many as there are values count.
    init(_ values: [UInt64], largest count: Int) {
        self.values = values
        places = Array(repeating: 0, count: values.count)
        let order = values.indices.sorted { (values[$0], $1) > (values[$1], $0) }
        let count = min(max(count, 0), values.count)
        // Sorted is a heap: the least first inside, the largest first outside.
        inside = order[..<count].reversed()
        outside = Array(order[count...])
        for (place, index) in inside.enumerated() { places[index] = place }
        for (place, index) in outside.enumerated() { places[index] = ~place }
        sum = inside.reduce(0) { $0 + values[$1] }
    }

    subscript(_ index: Int) -> UInt64 { values[index] }

    /// Of the K largest of all others than this one: the sum of all but the least, and the least.
    func others(than index: Int) -> (most: UInt64, least: UInt64) {
        guard !inside.isEmpty else { return (0, 0) }
        if places[index] >= 0 { return (sum - values[index], outside.first.map { values[$0] } ?? 0) }
        let least = values[inside[0]]
        return (sum - least, least)
    }

    /// K is 0, or there is no value.
    var isEmpty: Bool { inside.isEmpty }

    /// The largest that isn't among the K.
    var largestOutside: UInt64 { outside.first.map { values[$0] } ?? 0 }

    mutating func set(_ index: Int, to value: UInt64) {
        let before = values[index]
        guard value != before else { return }
        values[index] = value
        if places[index] >= 0 {
            sum = sum - before + value
            settleInside(places[index])
        } else {
            settleOutside(~places[index])
        }
        guard let least = inside.first, let largest = outside.first, values[largest] > values[least] else { return }
        sum = sum - values[least] + values[largest]
        (inside[0], outside[0]) = (largest, least)
        (places[largest], places[least]) = (0, ~0)
        settleInside(0)
        settleOutside(0)
    }

    private mutating func settleInside(_ start: Int) {
        var place = start
        while place > 0, values[inside[place]] < values[inside[(place - 1) / 2]] { place = swapInside(place, (place - 1) / 2) }
        while true {
            var least = place
            for child in (2 * place + 1)..<(2 * place + 3) where child < inside.count {
                if values[inside[child]] < values[inside[least]] { least = child }
            }
            if least == place { return }
            place = swapInside(place, least)
        }
    }

    private mutating func settleOutside(_ start: Int) {
        var place = start
        while place > 0, values[outside[place]] > values[outside[(place - 1) / 2]] { place = swapOutside(place, (place - 1) / 2) }
        while true {
            var largest = place
            for child in (2 * place + 1)..<(2 * place + 3) where child < outside.count {
                if values[outside[child]] > values[outside[largest]] { largest = child }
            }
            if largest == place { return }
            place = swapOutside(place, largest)
        }
    }

    private mutating func swapInside(_ one: Int, _ other: Int) -> Int {
        inside.swapAt(one, other)
        (places[inside[one]], places[inside[other]]) = (one, other)
        return other
    }

    private mutating func swapOutside(_ one: Int, _ other: Int) -> Int {
        outside.swapAt(one, other)
        (places[outside[one]], places[outside[other]]) = (~one, ~other)
        return other
    }
}
