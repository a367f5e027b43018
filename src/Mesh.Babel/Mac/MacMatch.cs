namespace Mesh.Babel.Mac;

/// <summary>What the MACs of a packet say about it.</summary>
internal enum MacMatch
{
    /// <summary>It has none.</summary>
    Missing,

    /// <summary>None is good under any of our keys.</summary>
    Wrong,

    /// <summary>One is good, for a packet that was sent to all.</summary>
    Multicast,

    /// <summary>One is good, for a packet that was sent to us alone.</summary>
    Unicast,
}
