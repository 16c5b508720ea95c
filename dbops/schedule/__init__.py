"""Running a task again and again: units of systemd, a crontab, a CronJob, jobs of CI systems. Pure: values to text."""
