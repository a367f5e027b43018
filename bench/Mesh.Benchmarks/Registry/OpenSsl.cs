using System.Diagnostics;
using System.Globalization;

namespace Mesh.Benchmarks.Registry;

/// <summary>How fast this machine signs with RSA, as <c>openssl speed</c> says: what issuing cannot beat.</summary>
internal static class OpenSsl
{
    /// <summary>Signatures per second with 2048 bits, of <paramref name="processes"/> together; null where there is no such program.</summary>
    public static double? SignaturesPerSecond(int seconds, int processes)
    {
        string[] arguments = ["speed", "-seconds", seconds.ToString(CultureInfo.InvariantCulture), .. processes > 1 ? ["-multi", processes.ToString(CultureInfo.InvariantCulture)] : Array.Empty<string>(), "rsa2048"];
        try
        {
            using Process process = Process.Start(new ProcessStartInfo("openssl", arguments) { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false })!;
            process.ErrorDataReceived += static (_, _) => { };
            process.BeginErrorReadLine();
            string output = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            return Parse(output);
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return null;
        }
    }

    // rsa 2048 bits 0.000244s 0.000017s   4098.2  59527.1
    internal static double? Parse(string output)
    {
        foreach (string line in output.Split('\n'))
        {
            string[] fields = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (fields is ["rsa", "2048", "bits", _, _, var signatures, ..] && double.TryParse(signatures, NumberStyles.Float, CultureInfo.InvariantCulture, out double rate) && rate > 0)
                return rate;
        }

        return null;
    }
}
