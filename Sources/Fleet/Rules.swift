/// What keeps the sum within the budget, rule by rule. All hold; tests turn one off, and have to see the budget broken.
struct Rules: Sendable {
    /// Of a node: a grant's time counts from the sending of its report.
    var countsFromSending = true
    /// Of a node: only an answer to its newest report is taken.
    var takesNewestOnly = true
    /// Of a node: it is lowered early enough for the helper's lease to end in time.
    var leavesTimeForLease = true
    /// Of a coordinator: nodes that it hasn't heard count at their ceilings for as long as an earlier one's grants may hold.
    var waitsForEarlierGrants = true
    /// Of a coordinator: it answers only while its Lease is valid.
    var fences = true
    /// Of a coordinator: a report lowers what is believed only if it was sent after an answer of this coordinator.
    var wantsEcho = true
    /// Of a coordinator: what a node reports in force frees power for others; what it was told to go down to doesn't.
    var waitsForAcknowledgement = true
    /// Of a coordinator: silent nodes that don't boot at their rest count at their ceilings.
    var countsBootsAtCeiling = true
    /// Of a coordinator: there is room for jumps.
    var keepsContingency = true
    /// Of a coordinator: a rest is granted when the record has it.
    var recordsFirst = true
    /// Of a coordinator: reports that were overtaken, or are of an earlier boot, say nothing.
    var dropsOvertaken = true
    /// Of a coordinator: what was granted counts until it ends or a newer report is heard.
    var countsGrants = true
    /// Of a coordinator: a node that is granted a rest counts at it when it falls silent.
    var countsRests = true
}
