using System.Runtime.CompilerServices;

namespace Mesh.Babel.Routes;

/// <summary>What one neighbour announced, by row. Neighbours announce nearly all that there is: places for rows of which they say nothing cost less than links between those that they mention.</summary>
internal sealed class RouteColumn
{
    private const int PageBits = 7;
    private const int PageSize = 1 << PageBits;
    private Page?[] _pages = [];

    /// <summary>Rows of which the neighbour has said something.</summary>
    public int Count { get; private set; }

    /// <summary>The cell of a row, which must be there.</summary>
    public ref RouteCell this[int row] => ref _pages[row >> PageBits]!.Cells[row & (PageSize - 1)];

    /// <summary>Whether there is a cell for a row.</summary>
    public bool Contains(int row)
    {
        int page = row >> PageBits;
        return page < _pages.Length && _pages[page] is { } found && found.Cells[row & (PageSize - 1)].Is(CellFlags.InUse);
    }

    /// <summary>The first row after this one that has a cell, or -1. Begin with -1.</summary>
    public int NextRow(int after)
    {
        int row = after + 1;
        for (int page = row >> PageBits; page < _pages.Length; page++)
        {
            if (_pages[page] is { } found)
            {
                for (; row >> PageBits == page; row++)
                {
                    if (found.Cells[row & (PageSize - 1)].Is(CellFlags.InUse))
                        return row;
                }
            }

            row = (page + 1) << PageBits;
        }

        return -1;
    }

    /// <summary>Adds the cell of a row, which must not be there.</summary>
    public void Add(int row, RouteCell cell)
    {
        int page = row >> PageBits;
        if (page >= _pages.Length)
            Array.Resize(ref _pages, Math.Max(page + 1, page + (page / 4)));
        Page found = _pages[page] ??= new Page();
        found.Cells[row & (PageSize - 1)] = cell;
        found.Count++;
        Count++;
    }

    /// <summary>Removes the cell of a row, which must be there.</summary>
    public void Remove(int row)
    {
        Settled(row);
        Page page = _pages[row >> PageBits]!;
        page.Cells[row & (PageSize - 1)] = default;
        Count--;
        if (--page.Count == 0)
            _pages[row >> PageBits] = null;
    }

    /// <summary>What the hysteresis sees in place of the metric of a cell with <see cref="CellFlags.Settling"/>.</summary>
    public ref SmoothedMetric Smoothed(int row) => ref _pages[row >> PageBits]!.Smoothed![row & (PageSize - 1)];

    /// <summary>The hysteresis sees another metric than the announced one, for a while.</summary>
    public void Settle(int row, SmoothedMetric smoothed)
    {
        Page page = _pages[row >> PageBits]!;
        ref RouteCell cell = ref page.Cells[row & (PageSize - 1)];
        if (!cell.Is(CellFlags.Settling))
        {
            cell.Flags |= CellFlags.Settling;
            page.Settling++;
        }

        page.Smoothed ??= new SmoothedMetric[PageSize];
        page.Smoothed[row & (PageSize - 1)] = smoothed;
    }

    /// <summary>The hysteresis sees the announced metric.</summary>
    public void Settled(int row)
    {
        Page page = _pages[row >> PageBits]!;
        ref RouteCell cell = ref page.Cells[row & (PageSize - 1)];
        if (!cell.Is(CellFlags.Settling))
            return;
        cell.Flags &= ~CellFlags.Settling;
        if (--page.Settling == 0)
            page.Smoothed = null;
    }

    private sealed class Page
    {
        public PageOfCells Cells;
        public int Count;
        public int Settling;
        public SmoothedMetric[]? Smoothed;
    }

    [InlineArray(PageSize)]
    private struct PageOfCells
    {
        private RouteCell _first;
    }
}
