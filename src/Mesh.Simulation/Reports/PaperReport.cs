using System.Globalization;
using System.Net;
using System.Text;
using Mesh.Simulation.Paper;

namespace Mesh.Simulation.Reports;

/// <summary>The published experiments as one HTML page that needs no network: a plot of each with ours as lines and theirs as rings, and all numbers that were compared.</summary>
public static class PaperReport
{
    private const int Width = 720;
    private const int Height = 360;
    private const int Margin = 60;
    private const double LeastShown = 1e-7;   // of logarithmic axes: sampling does not reach further

    private static readonly string[] Colours = ["#1f6feb", "#a40e26", "#116329", "#9a6700", "#8250df", "#0a7ea4", "#bc4c00", "#57606a", "#bf3989", "#4d7c0f"];

    /// <summary>Renders a result.</summary>
    public static string Render(PaperResult result)
    {
        ArgumentNullException.ThrowIfNull(result);
        var page = new StringBuilder();
        page.Append(CultureInfo.InvariantCulture, $"<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Published experiments, seed {result.Seed}</title><style>{HtmlReport.Style}</style></head><body>\n");
        page.Append(CultureInfo.InvariantCulture, $"<h1>The published experiments of re6st's simulation, seed {result.Seed}</h1>\n");
        page.Append(result.IsPartial ? "<p class=\"bad\">Stopped before its end.</p>\n" : "");
        page.Append(CultureInfo.InvariantCulture, $"<p class=\"{(result.Outside == 0 ? "good" : "bad")}\">{result.Compared - result.Outside} of {result.Compared} numbers are within their tolerance.</p>\n<p>Digest <code>{result.Digest}</code></p>\n");
        foreach (string note in result.Notes)
            page.Append(CultureInfo.InvariantCulture, $"<p>{WebUtility.HtmlEncode(note)}</p>\n");
        foreach (IGrouping<PaperExperiment, PaperRow> rows in result.Rows.GroupBy(static row => row.Experiment))
        {
            page.Append(CultureInfo.InvariantCulture, $"<h2>{PaperNames.Of(rows.Key)}</h2>\n<p>{result.Seconds.GetValueOrDefault(PaperNames.Of(rows.Key)):0.0} s. Lines are ours, rings are theirs.</p>\n");
            (string x, string y, bool isLogX, bool isLogY) = rows.Key switch
            {
                PaperExperiment.Hops => ("n", "mean_hops", true, false),
                PaperExperiment.Kill => ("alive_percent", "pair", false, true),
                PaperExperiment.Cut => ("n", "cut", true, false),
                PaperExperiment.RefreshHops => ("row", "mean_hops", false, false),
                _ => ("row", "mean_us", false, false),
            };
            AppendPlot(page, [.. rows], x, y, isLogX, isLogY);
            AppendTable(page, rows);
        }

        page.Append("</body></html>\n");
        return page.ToString();
    }

    private static void AppendPlot(StringBuilder page, PaperRow[] rows, string x, string y, bool isLogX, bool isLogY)
    {
        double[] ys = [.. rows.SelectMany(row => Theirs(row, y).Append(row.Values[y])).Where(value => !isLogY || value >= LeastShown)];
        if (ys.Length == 0)
            return;
        (double least, double most) = (rows.Min(row => row.Key[x]), rows.Max(row => row.Key[x]));
        (double low, double high) = (ys.Min(), ys.Max());
        page.Append(CultureInfo.InvariantCulture, $"<svg viewBox=\"0 0 {Width} {Height}\" role=\"img\" aria-label=\"{y} over {x}\">\n");
        page.Append(CultureInfo.InvariantCulture, $"<text x=\"{Margin}\" y=\"{Height - 15}\">{x} {least:#,0} to {most:#,0}{(isLogX ? ", logarithmic" : "")}</text><text x=\"{Margin}\" y=\"15\">{y} {low:0.#####} to {high:0.#####}{(isLogY ? ", logarithmic" : "")}</text>\n");
        page.Append(CultureInfo.InvariantCulture, $"<line x1=\"{Margin}\" y1=\"{Height - Margin}\" x2=\"{Width - Margin}\" y2=\"{Height - Margin}\"/><line x1=\"{Margin}\" y1=\"{Margin}\" x2=\"{Margin}\" y2=\"{Height - Margin}\"/>\n");
        int series = 0;
        foreach (IGrouping<string, PaperRow> line in rows.GroupBy(row => string.Join(", ", row.Key.Where(key => key.Key != x).Select(static key => $"{key.Key} {key.Value:0}")), StringComparer.Ordinal))
        {
            string colour = Colours[series % Colours.Length];
            IEnumerable<PaperRow> shown = line.Where(row => !isLogY || row.Values[y] >= LeastShown);
            page.Append(CultureInfo.InvariantCulture, $"<polyline fill=\"none\" stroke=\"{colour}\" points=\"{string.Join(' ', shown.Select(row => Point(row, row.Values[y])))}\"><title>{line.Key}</title></polyline>\n");
            foreach (PaperRow row in line)
            {
                foreach (double theirs in Theirs(row, y).Where(value => !isLogY || value >= LeastShown))
                {
                    string[] at = Point(row, theirs).Split(',');
                    page.Append(CultureInfo.InvariantCulture, $"<circle cx=\"{at[0]}\" cy=\"{at[1]}\" r=\"3\" fill=\"none\" stroke=\"{colour}\"/>\n");
                }
            }

            series++;
        }

        page.Append("</svg>\n");

        string Point(PaperRow row, double value) => $"{Margin + (Part(row.Key[x], least, most, isLogX) * (Width - (2 * Margin))):0.0},{Height - Margin - (Part(value, low, high, isLogY) * (Height - (2 * Margin))):0.0}";
    }

    // Numbers that were counted, by whomever; a picture or a formula is neither.
    private static IEnumerable<double> Theirs(PaperRow row, string quantity) =>
        row.Comparisons.Where(one => one.Quantity == quantity && one.Source is ("published" or "re-run" or "restated")).Select(static one => one.Theirs);

    private static double Part(double value, double low, double high, bool isLog)
    {
        if (high <= low)
            return 0.5;
        return isLog ? (Math.Log(value) - Math.Log(low)) / (Math.Log(high) - Math.Log(low)) : (value - low) / (high - low);
    }

    private static void AppendTable(StringBuilder page, IEnumerable<PaperRow> rows)
    {
        page.Append("<table><tr><th>row</th><th>what</th><th class=\"number\">ours</th><th class=\"number\">theirs</th><th class=\"number\">difference, %</th><th>source</th><th></th></tr>\n");
        foreach (PaperRow row in rows)
        {
            foreach (Comparison one in row.Comparisons)
            {
                (string style, string verdict) = one.Agrees switch { true => ("good", "ok"), false => ("bad", "outside"), null => ("", "") };
                page.Append(CultureInfo.InvariantCulture, $"<tr><td>{string.Join(", ", row.Key.Select(static key => $"{key.Key} {key.Value:0}"))}</td><td>{one.Quantity}</td><td class=\"number\">{one.Ours:0.#######}</td>");
                page.Append(CultureInfo.InvariantCulture, $"<td class=\"number\">{one.Theirs:0.#######}</td><td class=\"number\">{one.DifferencePercent:0.00}</td><td>{one.Source}</td><td class=\"{style}\">{verdict}</td></tr>\n");
            }
        }

        page.Append("</table>\n");
    }
}
