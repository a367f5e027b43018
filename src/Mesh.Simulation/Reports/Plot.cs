using System.Globalization;
using System.Net;
using System.Text;
using Mesh.Simulation.Scenarios;

namespace Mesh.Simulation.Reports;

/// <summary>Plots as pictures within a page (SVG): they need nothing but the page.</summary>
internal static class Plot
{
    private const int Width = 720;
    private const int Height = 300;
    private const int Left = 60;
    private const int Bottom = 45;
    private const int Top = 25;
    private const int Ticks = 6;

    private static readonly string[] Colours = ["#1f6feb", "#a40e26", "#116329", "#9a6700", "#8250df", "#0a7ea4", "#bc4c00", "#57606a", "#bf3989", "#4d7c0f"];

    /// <summary>A bar for each value.</summary>
    /// <param name="page">Where it goes.</param>
    /// <param name="title">What it shows.</param>
    /// <param name="x">What the values are.</param>
    /// <param name="bars">The values and how often they were seen, in order of the values.</param>
    /// <param name="width">How wide a bar is, in values.</param>
    public static void AppendBars(StringBuilder page, string title, string x, IReadOnlyList<Bar> bars, double width)
    {
        if (bars.Count == 0)
            return;
        double low = bars[0].Value, high = bars[^1].Value + width, most = bars.Max(static bar => bar.Count);
        Begin(page, title, x, low, high, most);
        foreach (Bar bar in bars)
        {
            double left = X(bar.Value, low, high), right = X(bar.Value + width, low, high), top = Y(bar.Count, most);
            page.Append(CultureInfo.InvariantCulture, $"<rect x=\"{left + 0.5:0.0}\" y=\"{top:0.0}\" width=\"{Math.Max(0.5, right - left - 1):0.0}\" height=\"{Height - Bottom - top:0.0}\" fill=\"{Colours[0]}\"><title>{bar.Value:0.##}: {bar.Count:N0}</title></rect>\n");
        }

        page.Append("</svg>\n");
    }

    /// <summary>A line of steps for each series: how many of its values are at most so large, as a share.</summary>
    /// <param name="page">Where it goes.</param>
    /// <param name="title">What it shows.</param>
    /// <param name="x">What the values are.</param>
    /// <param name="series">A name and values in order, of each.</param>
    public static void AppendShares(StringBuilder page, string title, string x, IReadOnlyList<(string Name, IReadOnlyList<double> Values)> series)
    {
        (string Name, IReadOnlyList<double> Values)[] shown = [.. series.Where(static one => one.Values.Count > 0)];
        if (shown.Length == 0)
            return;
        double high = Math.Max(1e-3, shown.Max(static one => one.Values[^1]));
        Begin(page, title, x, 0, high, 100);
        for (int i = 0; i < shown.Length; i++)
        {
            (string name, IReadOnlyList<double> values) = shown[i];
            var points = new StringBuilder(string.Create(CultureInfo.InvariantCulture, $"{X(0, 0, high):0.0},{Y(0, 100):0.0}"));
            for (int at = 0; at < values.Count; at++)
                points.Append(CultureInfo.InvariantCulture, $" {X(values[at], 0, high):0.0},{Y(100.0 * at / values.Count, 100):0.0} {X(values[at], 0, high):0.0},{Y(100.0 * (at + 1) / values.Count, 100):0.0}");
            string colour = Colours[i % Colours.Length];
            page.Append(CultureInfo.InvariantCulture, $"<polyline fill=\"none\" stroke=\"{colour}\" points=\"{points}\"><title>{WebUtility.HtmlEncode(name)}</title></polyline>\n");
            if (i < Colours.Length)
                page.Append(CultureInfo.InvariantCulture, $"<text x=\"{Width - 150}\" y=\"{Height - Bottom - 8 - (14 * i)}\" fill=\"{colour}\">{WebUtility.HtmlEncode(name)}</text>\n");
        }

        page.Append("</svg>\n");
    }

    private static void Begin(StringBuilder page, string title, string x, double low, double high, double most)
    {
        page.Append(CultureInfo.InvariantCulture, $"<h3>{WebUtility.HtmlEncode(title)}</h3>\n<svg viewBox=\"0 0 {Width} {Height}\" role=\"img\" aria-label=\"{WebUtility.HtmlEncode(title)}\">\n");
        page.Append(CultureInfo.InvariantCulture, $"<line x1=\"{Left}\" y1=\"{Height - Bottom}\" x2=\"{Width - Left}\" y2=\"{Height - Bottom}\"/><line x1=\"{Left}\" y1=\"{Top}\" x2=\"{Left}\" y2=\"{Height - Bottom}\"/>\n");
        for (int i = 0; i <= Ticks; i++)
        {
            double value = low + ((high - low) * i / Ticks);
            page.Append(CultureInfo.InvariantCulture, $"<text x=\"{X(value, low, high):0.0}\" y=\"{Height - Bottom + 16}\" text-anchor=\"middle\">{value:0.##}</text>\n");
        }

        page.Append(CultureInfo.InvariantCulture, $"<text x=\"{Width / 2}\" y=\"{Height - 8}\" text-anchor=\"middle\">{WebUtility.HtmlEncode(x)}</text><text x=\"{Left - 6}\" y=\"{Top + 5}\" text-anchor=\"end\">{most:N0}</text><text x=\"{Left - 6}\" y=\"{Height - Bottom}\" text-anchor=\"end\">0</text>\n");
    }

    private static double X(double value, double low, double high) => Left + ((value - low) / (high - low) * (Width - (2 * Left)));

    private static double Y(double value, double most) => Height - Bottom - (value / most * (Height - Bottom - Top));
}
