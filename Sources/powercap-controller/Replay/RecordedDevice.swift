internal import Policy
internal import PowercapProtocol
internal import Text

// A device as the head of a recording has it: a line of its name and of what it may be given.

extension Device {
    /// `package-0 kind=package reference_uw=205000000 floor_uw=…`
    var recorded: String {
        var words = [
            name.column, "kind=\(kind.rawValue)", "reference_uw=\(reference.rawValue)", "floor_uw=\(longTerm.floor.rawValue)",
            "ceiling_uw=\(longTerm.ceiling.rawValue)", "step_uw=\(step.rawValue)",
        ]
        if let original = longTerm.original { words.append("original_uw=\(original.rawValue)") }
        if let fixed { words.append("fixed_uw=\(fixed.rawValue)") }
        return words.joined(separator: " ")
    }

    /// Members that aren't known are passed over. What says no kind is a package, as everything was before others were recorded.
    init?(recorded text: Substring) {
        let words = text.split(separator: " ")
        guard let first = words.first, let name = DeviceName(column: first) else { return nil }
        var kind: DeviceKind?
        var values: [Substring: Microwatts] = [:]
        for word in words.dropFirst() {
            guard let equals = word.firstIndex(of: "=") else { return nil }
            let value = word[word.index(after: equals)...]
            if word[..<equals] == "kind" {
                guard let known = DeviceKind(rawValue: String(value)), known != .server else { return nil }
                kind = known
            } else {
                guard let number = UInt64(value), number <= Microwatts.mostOfDevice.rawValue else { return nil }
                values[word[..<equals]] = Microwatts(number)
            }
        }
        let step = values["step_uw"] ?? .step
        guard kind != nil || name.package != nil, step > .zero, let reference = values["reference_uw"], reference > .zero,
            let floor = values["floor_uw"], let ceiling = values["ceiling_uw"], floor <= ceiling
        else { return nil }
        self.init(
            name: name, kind: kind ?? .package, zone: name.text, constraint: name.package == nil ? "limit" : "long_term",
            reference: reference, step: step,
            longTerm: LimitRange(index: 0, floor: floor, ceiling: ceiling, original: values["original_uw"]), shortTerm: nil,
            fixed: values["fixed_uw"])
        if values.values.contains(where: { $0 > most }) { return nil }
    }
}

extension DeviceName {
    /// As a part of a column's name, which has no commas, blanks or quotes in it: those are percent-encoded.
    var column: String {
        text.percentEncoded { byte in
            byte > 0x20 && byte < 0x7F && byte != UInt8(ascii: ",") && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "%")
        }
    }

    /// nil of what isn't a column's name.
    fileprivate init?(column: Substring) {
        var bytes: [UInt8] = []
        var rest = column.utf8[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let code = UInt8(Substring(rest.prefix(2)), radix: 16), rest.count >= 2 else { return nil }
            bytes.append(code)
            rest = rest.dropFirst(2)
        }
        guard let text = String(validating: bytes, as: UTF8.self), !text.isEmpty else { return nil }
        self.init(text)
    }
}
