/// What keeps the sum within the budget, rule by rule. All hold; the simulation turns one off, and has to see the budget broken.
package struct Rules: Equatable, Sendable {
    /// Of a node: a grant's time counts from the sending of its report.
    package var countsFromSending = true
    /// Of a node: only an answer to its newest report is taken.
    package var takesNewestOnly = true
    /// Of a node: it is lowered early enough for the helper's lease to end in time.
    package var leavesTimeForLease = true
    /// Of a node: until the answer to a report is taken, nothing goes above what the report says.
    package var keepsToReport = true
    /// Of a coordinator: nodes that it hasn't heard count at their ceilings for as long as an earlier one's grants may hold.
    package var waitsForEarlierGrants = true
    /// Of a coordinator: it answers only while its Lease is valid.
    package var fences = true
    /// Of a coordinator: a report lowers what is believed only if it was sent after an answer of this coordinator.
    package var wantsEcho = true
    /// Of a coordinator: what a node reports in force frees power for others; what it was told to go down to doesn't.
    package var waitsForAcknowledgement = true
    /// Of a coordinator: without room nothing is repeated that the node doesn't count at any more.
    package var repeatsWhatCounts = true
    /// Of a coordinator: silent nodes that don't boot at their rest count at their ceilings.
    package var countsBootsAtCeiling = true
    /// Of a coordinator: there is room for jumps.
    package var keepsContingency = true
    /// Of a coordinator: a rest is granted when the record has it.
    package var recordsFirst = true
    /// Of a coordinator: reports that were overtaken, or are of an earlier boot, say nothing.
    package var dropsOvertaken = true
    /// Of a coordinator: what was granted counts until it ends or a newer report is heard.
    package var countsGrants = true
    /// Of a coordinator: a node that is granted a rest counts at it when it falls silent.
    package var countsRests = true

    /// Of a shard: a larger part is acknowledged before it is used.
    package var acknowledgesFirst = true
    /// Of a shard: a smaller part is acknowledged when what its nodes may have fits.
    package var acknowledgesKept = true
    /// Of a shard: without a parent its nodes have their minimums.
    package var needsParent = true
    /// Of a parent: what was given counts until less is acknowledged.
    package var shrinksFirst = true
    /// Of a parent: a part whose object was lost counts as it was, and one that was never seen keeps others from growing.
    package var countsLostParts = true
    /// Of a parent: what an earlier one has under way is refused, because each object was written since.
    package var claimsParts = true

    package init() {}
}
