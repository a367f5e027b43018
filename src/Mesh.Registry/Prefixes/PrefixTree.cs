using Mesh.Protocol.Addressing;

namespace Mesh.Registry.Prefixes;

/// <summary>What came of an attempt to allocate a prefix.</summary>
public enum AllocationOutcome
{
    /// <summary>A prefix was allocated.</summary>
    Allocated,

    /// <summary>Nothing that is free is large enough.</summary>
    Full,

    /// <summary>A prefix of that length does not exist in this network.</summary>
    BadLength,
}

/// <summary>Who has which part of the network: a binary tree whose leaves cover all of it without overlap.</summary>
/// <remarks>
/// <code>
///            (root)                 leaves: 00 allocated, 010 free, 011 allocated, 1 free
///           /      \
///          0        1 free
///        /   \
///  00 used    01
///            /  \
///    010 free    011 used
/// </code>
/// <para>A leaf is free, allocated or reserved. Small requests take from the smallest free leaf that is large enough, so that large
/// leaves stay whole; a leaf is split until the wanted length is reached. Free siblings become one leaf in <see cref="Merge"/>, and only there.</para>
/// <para>Reserved is a prefix that fills the whole address with zeros after its community: it would be the anycast address of the larger subnet.</para>
/// <para>Protocol reference section 3.6.</para>
/// </remarks>
public sealed class PrefixTree
{
    private readonly SortedSet<UInt128>[] _freeByLength;
    private readonly SortedSet<NodePrefix> _allocated = [];
    private readonly SortedSet<NodePrefix> _reserved = [];
    private readonly int _maxLength;

    /// <summary>A tree in which everything is free.</summary>
    /// <param name="network">The network whose addresses are given out.</param>
    public PrefixTree(NetworkPrefix network)
    {
        ArgumentOutOfRangeException.ThrowIfZero(network.Length, nameof(network));
        _maxLength = network.HostBits;
        _freeByLength = new SortedSet<UInt128>[_maxLength + 1];
        for (int length = 0; length <= _maxLength; length++)
            _freeByLength[length] = [];
        _ = _freeByLength[0].Add(UInt128.Zero);
    }

    /// <summary>The free leaves in the order of their bits.</summary>
    public IReadOnlyList<NodePrefix> Free =>
        [.. _freeByLength.SelectMany(static (values, length) => values.Select(value => new NodePrefix(value, length))).Order()];

    /// <summary>The allocated leaves in the order of their bits.</summary>
    public IReadOnlyCollection<NodePrefix> Allocated => _allocated;

    /// <summary>The leaves that nobody can have, in the order of their bits.</summary>
    public IReadOnlyCollection<NodePrefix> Reserved => _reserved;

    /// <summary>Whether the prefix is an allocated leaf.</summary>
    public bool IsAllocated(NodePrefix prefix) => _allocated.Contains(prefix);

    /// <summary>Allocates a prefix.</summary>
    /// <param name="length">Wanted length in bits, without those of the community.</param>
    /// <param name="community">What the prefix has to begin with; may be empty.</param>
    /// <param name="prefix">The prefix, when one was allocated.</param>
    public AllocationOutcome TryAllocate(int length, NodePrefix community, out NodePrefix prefix)
    {
        prefix = default;
        int target = length + community.Length;
        if (length < 0 || target < 1 || target > _maxLength)
            return AllocationOutcome.BadLength;
        while (TryFindCandidate(target, community, out NodePrefix candidate))
        {
            Remove(candidate);
            while (candidate.Length < target)
            {
                bool wanted = candidate.Length < community.Length && community[candidate.Length];
                AddFree(candidate.Append(!wanted));
                candidate = candidate.Append(wanted);
            }

            if (IsAnycast(candidate, community.Length))
            {
                _ = _reserved.Add(candidate);
                continue;
            }

            _ = _allocated.Add(candidate);
            prefix = candidate;
            return AllocationOutcome.Allocated;
        }

        return AllocationOutcome.Full;
    }

    /// <summary>Allocates exactly this prefix, when state is read back.</summary>
    /// <returns>False when some of it is not free.</returns>
    public bool TryTake(NodePrefix prefix)
    {
        if (prefix.IsEmpty || prefix.Length > _maxLength)
            return false;
        NodePrefix leaf = prefix;
        while (!IsFree(leaf))
        {
            if (leaf.IsEmpty)
                return false;
            leaf = leaf.Parent;
        }

        Remove(leaf);
        while (leaf.Length < prefix.Length)
        {
            bool wanted = prefix[leaf.Length];
            AddFree(leaf.Append(!wanted));
            leaf = leaf.Append(wanted);
        }

        _ = _allocated.Add(prefix);
        return true;
    }

    /// <summary>Makes an allocated prefix free. Siblings stay apart until <see cref="Merge"/>.</summary>
    /// <exception cref="InvalidOperationException">The prefix is not allocated.</exception>
    public void Release(NodePrefix prefix)
    {
        if (!_allocated.Remove(prefix))
            throw new InvalidOperationException($"Prefix {prefix} is not allocated, so it cannot be released.");
        AddFree(prefix);
    }

    /// <summary>Replaces free siblings by their parent, longest first, until there are none.</summary>
    public void Merge()
    {
        for (int length = _maxLength; length > 0; length--)
        {
            SortedSet<UInt128> values = _freeByLength[length];
            // Siblings differ in the last bit only, so they are neighbours in the order.
            UInt128[] pairs = [.. values.Where(value => UInt128.IsEvenInteger(value) && values.Contains(value | UInt128.One))];
            foreach (UInt128 value in pairs)
            {
                _ = values.Remove(value);
                _ = values.Remove(value | UInt128.One);
                _ = _freeByLength[length - 1].Add(value >> 1);
            }
        }
    }

    // The longest free leaf in the community that is not too long; failing that, the free leaf that holds the whole community.
    private bool TryFindCandidate(int target, NodePrefix community, out NodePrefix candidate)
    {
        for (int length = target; length >= community.Length; length--)
        {
            SortedSet<UInt128> values = _freeByLength[length];
            if (values.Count == 0)
                continue;
            int shift = length - community.Length;
            UInt128 first = community.Value << shift;
            UInt128 last = first | ((UInt128.One << shift) - UInt128.One);
            // The first one only: counting a view walks all of it.
            foreach (UInt128 value in values.GetViewBetween(first, last))
            {
                candidate = new NodePrefix(value, length);
                return true;
            }
        }

        candidate = community;
        while (!candidate.IsEmpty)
        {
            candidate = candidate.Parent;
            if (IsFree(candidate))
                return true;
        }

        return false;
    }

    private bool IsAnycast(NodePrefix prefix, int communityLength) =>
        prefix.Length == _maxLength && (prefix.Value & ((UInt128.One << (prefix.Length - communityLength)) - UInt128.One)) == UInt128.Zero;

    private bool IsFree(NodePrefix prefix) => _freeByLength[prefix.Length].Contains(prefix.Value);

    private void AddFree(NodePrefix prefix) => _ = _freeByLength[prefix.Length].Add(prefix.Value);

    private void Remove(NodePrefix prefix) => _ = _freeByLength[prefix.Length].Remove(prefix.Value);
}
