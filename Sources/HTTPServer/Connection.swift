internal import CMicrohttpd

/// A connection as libmicrohttpd knows it, from the time it begins to when it has ended; `Clients` keeps none longer.
@safe struct Connection {
    private let pointer: OpaquePointer

    init(_ pointer: OpaquePointer) { unsafe self.pointer = pointer }

    /// Those of the request that is on it, once they have come, with their names in lower case.
    var headers: [ServerRequest.Header] {
        var headers: [ServerRequest.Header] = []
        let each: MHD_KeyValueIterator = { all, _, name, value in
            guard let name = unsafe name, let value = unsafe value else { return .YES }
            let header = unsafe ServerRequest.Header(name: String(cString: name).lowercased(), value: String(cString: value))
            // SAFETY: it is what is given below, and nobody else uses it meanwhile.
            unsafe all!.assumingMemoryBound(to: [ServerRequest.Header].self).pointee.append(header)
            return .YES
        }
        unsafe withUnsafeMutablePointer(to: &headers) { unsafe cmhd_headers(pointer, each, $0) }
        return headers
    }

    /// Answers the request, from within the call that asks for it. False ends the connection: there is no memory.
    func send(_ answer: ServerResponse) -> Bool {
        // SAFETY: libmicrohttpd copies as many bytes as it is told.
        let response = unsafe answer.body.withUnsafeBytes { unsafe cmhd_response($0.baseAddress, $0.count) }
        guard let response = unsafe response else { return false }
        defer { unsafe cmhd_response_end(response) }
        for header in answer.headers where unsafe !cmhd_response_add(response, header.name, header.value) {
            return send(ServerResponse(status: 500, text: "the answer has a header that is none"))
        }
        return unsafe cmhd_send(pointer, answer.status, response)
    }
}
