namespace Mesh.Babel.Routes;

/// <summary>Structs in one array, named by index, with reuse of freed places: many entries, few objects.</summary>
/// <remarks>A reference into the pool is valid until the next <see cref="TryAdd"/>.</remarks>
internal sealed class Pool<T>(int limit)
    where T : struct
{
    private const int Large = 1024;
    private readonly Stack<int> _free = new();
    private T[] _items = [];

    /// <summary>Places ever used; some of them may be free.</summary>
    public int Extent { get; private set; }

    /// <summary>Entries in use.</summary>
    public int Count => Extent - _free.Count;

    /// <summary>The entry with this index.</summary>
    public ref T this[int index] => ref _items[index];

    /// <summary>Adds an entry.</summary>
    /// <returns>False where the limit is reached.</returns>
    public bool TryAdd(T item, out int index)
    {
        if (_free.TryPop(out index))
        {
            _items[index] = item;
            return true;
        }

        index = Extent;
        if (Extent >= limit)
            return false;
        if (Extent == _items.Length)
            Array.Resize(ref _items, Math.Min(limit, Math.Max(4, Extent + (Extent / (Extent < Large ? 2 : 8)))));   // what is large wastes less and is copied more often
        _items[Extent++] = item;
        return true;
    }

    /// <summary>Frees an entry.</summary>
    public void Remove(int index)
    {
        _items[index] = default;
        _free.Push(index);
    }
}
