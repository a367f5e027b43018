namespace Mesh.Babel.Routes;

/// <summary>Structs in pages, named by index, with reuse of freed places: many entries, few objects. A reference to an entry stays valid until the entry is freed.</summary>
internal sealed class Pool<T>(int limit)
    where T : struct
{
    private const int PageBits = 6;
    private const int PageSize = 1 << PageBits;
    private readonly Stack<int> _free = new();
    private T[][] _pages = [];

    /// <summary>Places ever used; some of them may be free.</summary>
    public int Extent { get; private set; }

    /// <summary>Entries in use.</summary>
    public int Count => Extent - _free.Count;

    /// <summary>The entry with this index.</summary>
    public ref T this[int index] => ref _pages[index >> PageBits][index & (PageSize - 1)];

    /// <summary>Adds an entry.</summary>
    /// <returns>False where the limit is reached.</returns>
    public bool TryAdd(T item, out int index)
    {
        if (!_free.TryPop(out index))
        {
            index = Extent;
            if (Extent >= limit)
                return false;
            int page = Extent >> PageBits;
            if (page == _pages.Length)
                Array.Resize(ref _pages, Math.Max(1, page + ((page + 1) / 2)));
            _pages[page] ??= new T[PageSize];
            Extent++;
        }

        this[index] = item;
        return true;
    }

    /// <summary>Frees an entry.</summary>
    public void Remove(int index)
    {
        this[index] = default;
        _free.Push(index);
    }
}
