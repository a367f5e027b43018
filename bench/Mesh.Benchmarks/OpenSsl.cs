using System.Diagnostics;
using System.Globalization;

namespace Mesh.Benchmarks;

/// <summary>RSA of 2048 bits on this machine as <c>openssl speed</c> says: what our own rates cannot beat.</summary>
/// <param name="SignaturesPerSecond">Operations with the private key.</param>
/// <param name="VerificationsPerSecond">Operations with the public key.</param>
internal sealed record RsaSpeed(double SignaturesPerSecond, double VerificationsPerSecond);

/// <summary>The program <c>openssl speed</c>. Its rates are per second of the processor's time in user mode, unless elapsed time is asked for.</summary>
internal static class OpenSsl
{
    /// <summary>Speed of RSA, of <paramref name="processes"/> together; null where there is no such program.</summary>
    public static RsaSpeed? MeasureRsa(int seconds, int processes = 1, bool isElapsed = false) =>
        Run(seconds, isElapsed, [.. processes > 1 ? ["-multi", Text(processes)] : Array.Empty<string>(), "rsa2048"]) is { } output ? ParseRsa(output) : null;

    /// <summary>HMAC-SHA1 codes per second of one process, for texts of <paramref name="length"/> octets; null where there is no such program.</summary>
    public static double? HmacSha1PerSecond(int seconds, int length, bool isElapsed = false) =>
        Run(seconds, isElapsed, ["-bytes", Text(length), "-hmac", "sha1"]) is { } output && ParseHmac(output) is { } octets ? octets / length : null;

    // rsa 2048 bits 0.000244s 0.000017s   4098.2  59527.1
    internal static RsaSpeed? ParseRsa(string output)
    {
        foreach (string[] fields in Lines(output))
        {
            if (fields is ["rsa", "2048", "bits", _, _, var signatures, var verifications] && TryRate(signatures, out double signing) && TryRate(verifications, out double verifying))
                return new RsaSpeed(signing, verifying);
        }

        return null;
    }

    // hmac(sha1)      645932.70k
    internal static double? ParseHmac(string output)
    {
        foreach (string[] fields in Lines(output))
        {
            if (fields is ["hmac(sha1)", [.. var thousands, 'k']] && TryRate(thousands, out double rate))
                return 1000 * rate;
        }

        return null;
    }

    private static string? Run(int seconds, bool isElapsed, string[] what)
    {
        string[] arguments = ["speed", .. isElapsed ? ["-elapsed"] : Array.Empty<string>(), "-seconds", Text(seconds), .. what];
        try
        {
            using Process process = Process.Start(new ProcessStartInfo("openssl", arguments) { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false })!;
            process.ErrorDataReceived += static (_, _) => { };
            process.BeginErrorReadLine();
            string output = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            return output;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return null;
        }
    }

    private static IEnumerable<string[]> Lines(string output) => output.Split('\n').Select(static line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries));

    private static bool TryRate(string text, out double rate) => double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out rate) && rate > 0;

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
