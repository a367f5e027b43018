using System.Runtime.InteropServices;

namespace Mesh.Babel;

/// <summary>What a route is for: packets to <paramref name="Prefix"/> that come from <paramref name="Source"/> (RFC 9079). Each pair has routes and distances of its own.</summary>
/// <param name="Prefix">The destination.</param>
/// <param name="Source">The source; the whole family, <c>::/0</c> or <c>0.0.0.0/0</c>, for an ordinary route. Of the destination's family.</param>
[StructLayout(LayoutKind.Auto)]
public readonly record struct RouteKey(BabelPrefix Prefix, BabelPrefix Source = default)
{
    /// <summary>The source; default for an ordinary route, so that it has one form.</summary>
    public BabelPrefix Source { get; } = Source.WireLength == 0 ? default : Source;

    /// <summary>Whether the route is for some sources only.</summary>
    public bool IsSourceSpecific => Source.Length > 0;

    /// <summary>Whether such routes are refused: see <see cref="BabelPrefix.IsMartian"/>.</summary>
    public bool IsMartian => Prefix.IsMartian || Source.IsMartian;

    /// <summary>Whether source and destination are of one family.</summary>
    internal bool IsConsistent => !IsSourceSpecific || Source.IsIpv4 == Prefix.IsIpv4;

    /// <summary>An ordinary route is named by its destination alone.</summary>
    public static implicit operator RouteKey(BabelPrefix prefix) => FromBabelPrefix(prefix);

    /// <summary>An ordinary route.</summary>
    public static RouteKey FromBabelPrefix(BabelPrefix prefix) => new(prefix);

    /// <summary>Orders by destination, then source: negative, 0 or positive.</summary>
    public static int Compare(RouteKey left, RouteKey right)
    {
        int order = BabelPrefix.Compare(left.Prefix, right.Prefix);
        return order != 0 ? order : BabelPrefix.Compare(left.Source, right.Source);
    }

    /// <summary>The same in every process, unlike the default.</summary>
    public override int GetHashCode() => unchecked((Prefix.GetHashCode() * 31) + Source.GetHashCode());

    /// <inheritdoc/>
    public override string ToString() => IsSourceSpecific ? $"{Prefix} from {Source}" : Prefix.ToString();
}
