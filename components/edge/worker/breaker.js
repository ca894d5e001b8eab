/** Fractional part of the golden ratio: adding it again and again spreads turns evenly over [0, 1). */
const GOLDEN = 0.6180339887498949;

/** What this isolate knows of one platform. It lives in memory only; times are milliseconds of Date.now(). */
export class Breaker {
  constructor(limits) {
    this.limits = limits;
    this.failures = 0;
    this.open = false;
    this.openUntil = 0;
    this.wait = 0;
    this.recoveredAt = 0;
    this.checkedAt = 0;
    this.checking = false;
    this.turn = Math.random();
  }

  /** Share of the visitors, 0 to 1, that may be sent here first: none while open, rising in steps afterwards. */
  share(now) {
    if (this.open) return 0;
    if (!this.recoveredAt) return 1;
    const step = Math.floor((now - this.recoveredAt) / this.limits.stepTime);
    if (step < this.limits.steps.length) return this.limits.steps[step];
    this.recoveredAt = 0;
    this.wait = 0;
    return 1;
  }

  /** Whether the next visitor is one of that share. */
  takesTurn(now) {
    const share = this.share(now);
    if (share === 0 || share === 1) return share === 1;
    this.turn = (this.turn + GOLDEN) % 1;
    return this.turn < share;
  }

  /** An answer was good. One that began before the breaker opened says nothing about now. */
  succeeded() {
    if (!this.open) this.failures = 0;
  }

  /** An answer was bad, too late or missing. While the platform is being brought back, one is enough. */
  failed(now) {
    if (this.open) return;
    this.failures += 1;
    if (this.share(now) < 1 || this.failures >= this.limits.failures) this.trip(now);
  }

  /** Open for a wait that doubles until a recovery has lasted through all steps. */
  trip(now) {
    this.wait = this.wait ? Math.min(this.wait * 2, this.limits.longestWait) : this.limits.wait;
    this.open = true;
    this.openUntil = now + this.wait;
    this.recoveredAt = 0;
    this.failures = 0;
  }

  /** Whether the health path should be asked now: after the wait while open; while closed now and then, in doubt sooner. */
  checkDue(now, doubted) {
    if (this.checking) return false;
    if (this.open) return now >= this.openUntil;
    return now - this.checkedAt >= (doubted ? this.limits.wait : this.limits.check);
  }

  /** What a check of the health path found. */
  checked(healthy, now) {
    this.checking = false;
    this.checkedAt = now;
    if (!healthy) this.trip(now);
    else if (this.open) {
      this.open = false;
      this.recoveredAt = now;
    }
  }
}
