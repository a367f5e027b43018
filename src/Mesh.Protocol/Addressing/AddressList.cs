using System.Collections;
using System.Collections.Immutable;
using System.Text;
using System.Text.Unicode;

namespace Mesh.Protocol.Addressing;

/// <summary>Where a node can be reached, the place that it prefers first.</summary>
/// <remarks>
/// Items joined by <c>;</c>, see <see cref="AdvertisedAddress"/>. An item that is not valid, or whose protocol is not known, is
/// left out: peers of other versions may know more than we do, and one bad item must not hide the good ones.
/// </remarks>
public sealed class AddressList : IReadOnlyList<AdvertisedAddress>, IEquatable<AddressList>
{
    /// <summary>Octets of the longest text that is read.</summary>
    public const int MaxTextLength = 4096;

    /// <summary>The most items that are read.</summary>
    public const int MaxCount = 64;

    private readonly ImmutableArray<AdvertisedAddress> _addresses;

    /// <summary>A list of our own side.</summary>
    /// <exception cref="ArgumentException">There are more than 64 addresses.</exception>
    public AddressList(params IEnumerable<AdvertisedAddress> addresses)
        : this([.. addresses])
    {
        if (_addresses.Length > MaxCount)
            throw new ArgumentException($"An address list has at most {MaxCount} items.", nameof(addresses));
    }

    private AddressList(ImmutableArray<AdvertisedAddress> addresses) => _addresses = addresses;

    /// <summary>No address: the node can not be reached from outside.</summary>
    public static AddressList Empty { get; } = new(ImmutableArray<AdvertisedAddress>.Empty);

    /// <inheritdoc/>
    public int Count => _addresses.Length;

    /// <inheritdoc/>
    public AdvertisedAddress this[int index] => _addresses[index];

    /// <summary>Reads a list that came over the network.</summary>
    /// <param name="utf8">The text.</param>
    /// <param name="list">The valid items in their order; possibly none.</param>
    /// <param name="refused">How many items were left out; an empty text has none.</param>
    /// <returns>False when the text is not UTF-8, is longer than 4096 octets or has more than 64 items.</returns>
    public static bool TryParse(ReadOnlySpan<byte> utf8, out AddressList list, out int refused)
    {
        list = Empty;
        refused = 0;
        return utf8.Length <= MaxTextLength && Utf8.IsValid(utf8) && TryParse(Encoding.UTF8.GetString(utf8), out list, out refused);
    }

    /// <inheritdoc cref="TryParse(ReadOnlySpan{byte}, out AddressList, out int)"/>
    public static bool TryParse(ReadOnlySpan<char> text, out AddressList list, out int refused)
    {
        list = Empty;
        refused = 0;
        if (text.Length > MaxTextLength || text.Count(';') >= MaxCount)
            return false;
        if (text.IsEmpty)
            return true;
        ImmutableArray<AdvertisedAddress>.Builder addresses = ImmutableArray.CreateBuilder<AdvertisedAddress>();
        foreach (Range item in text.Split(';'))
        {
            if (AdvertisedAddress.TryParse(text[item], out AdvertisedAddress address))
                addresses.Add(address);
            else
                refused++;
        }
        list = new AddressList(addresses.ToImmutable());
        return true;
    }

    /// <summary>Combines this stored list with one that just came: items known already keep their order and come first, new ones
    /// follow, and what is not in the fresh list disappears.</summary>
    public AddressList MergedWith(AddressList fresh)
    {
        ArgumentNullException.ThrowIfNull(fresh);
        var merged = ImmutableArray.CreateBuilder<AdvertisedAddress>(fresh.Count);
        foreach (AdvertisedAddress known in _addresses)
        {
            int index = fresh.IndexOfPlace(known);
            // The fresh item is taken, for its country may have become known.
            if (index >= 0 && !ContainsPlace(merged, known))
                merged.Add(fresh[index]);
        }
        foreach (AdvertisedAddress item in fresh)
        {
            if (!ContainsPlace(merged, item))
                merged.Add(item);
        }
        return new AddressList(merged.ToImmutable());
    }

    /// <summary>Moves the address that worked to the front; the country is not compared. A list without it stays as it is.</summary>
    public AddressList WithPreferred(AdvertisedAddress worked)
    {
        int index = IndexOfPlace(worked);
        return index <= 0 ? this : new AddressList(_addresses.RemoveAt(index).Insert(0, _addresses[index]));
    }

    /// <summary>The list without countries, for peers with a protocol below 7.</summary>
    public AddressList WithoutCountries() => new([.. _addresses.Select(static address => address.WithoutCountry())]);

    /// <inheritdoc/>
    public IEnumerator<AdvertisedAddress> GetEnumerator() => ((IEnumerable<AdvertisedAddress>)_addresses).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <summary>Same addresses in the same order.</summary>
    public bool Equals(AddressList? other) => other is not null && _addresses.SequenceEqual(other._addresses);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as AddressList);

    /// <summary>The same in every process, so that a replay sees the same one.</summary>
    public override int GetHashCode() => _addresses.Aggregate(_addresses.Length, static (hash, address) => (hash * 31) + address.Port);

    /// <summary>The form on the wire; the empty string when there is no address.</summary>
    public override string ToString() => string.Join(';', _addresses);

    private int IndexOfPlace(AdvertisedAddress address)
    {
        for (int index = 0; index < _addresses.Length; index++)
        {
            if (_addresses[index].IsSamePlace(address))
                return index;
        }
        return -1;
    }

    private static bool ContainsPlace(ImmutableArray<AdvertisedAddress>.Builder addresses, AdvertisedAddress address)
    {
        foreach (AdvertisedAddress item in addresses)
        {
            if (item.IsSamePlace(address))
                return true;
        }
        return false;
    }
}
